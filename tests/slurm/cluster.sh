#!/usr/bin/env bash
# A Slurm cluster of one node, this machine, to try the workflow on: cluster.sh start | stop | status
# Needs root and Debian's slurmctld, slurmd, slurm-client and munge. For trials: it writes /etc/slurm/slurm.conf,
# and refuses to where somebody else's lies.
set -euo pipefail

MARK="# Written by Forewarn's tests/slurm/cluster.sh"
CONFIGURATION=/etc/slurm/slurm.conf
STATE=/var/spool/forewarn-slurm

start() {
  for command in slurmctld slurmd munged sinfo; do
    command -v "$command" > /dev/null || PATH="$PATH:/usr/sbin" command -v "$command" > /dev/null || {
      echo "$command is missing: apt-get install slurmctld slurmd slurm-client munge" >&2
      exit 1
    }
  done
  if [ -e "$CONFIGURATION" ] && ! grep -qF "$MARK" "$CONFIGURATION"; then
    echo "$CONFIGURATION is not ours: this machine belongs to a cluster already" >&2
    exit 1
  fi
  mkdir -p /etc/slurm "$STATE/controller" "$STATE/node" /run/munge
  # No accounting database, no process tracking by cgroups: neither is there in a container.
  cat > "$CONFIGURATION" << END
$MARK
ClusterName=forewarn
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
KillWait=5
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/node
SlurmctldLogFile=$STATE/controller.log
SlurmdLogFile=$STATE/node.log
SlurmctldPidFile=$STATE/controller.pid
SlurmdPidFile=$STATE/node.pid
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc --all) RealMemory=$(free -m | awk '/^Mem:/ {print int($2 * 0.9)}') State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
  [ -e /etc/munge/munge.key ] || { head -c 1024 /dev/urandom > /etc/munge/munge.key; }
  chown munge: /etc/munge/munge.key /run/munge
  chmod 400 /etc/munge/munge.key
  munge --no-input > /dev/null 2>&1 || runuser -u munge -- /usr/sbin/munged --force
  /usr/sbin/slurmctld
  /usr/sbin/slurmd
  for _ in $(seq 30); do
    sinfo --noheader --format=%T 2> /dev/null | grep -q idle && return
    sleep 1
  done
  echo "the node did not come up; see $STATE/controller.log and $STATE/node.log" >&2
  exit 1
}

stop() {
  for name in controller node; do
    [ -e "$STATE/$name.pid" ] && kill "$(cat "$STATE/$name.pid")" 2> /dev/null || true
  done
  for _ in $(seq 20); do
    ! pgrep -x slurmctld > /dev/null && ! pgrep -x slurmd > /dev/null && break
    sleep 0.5
  done
  pkill -x munged || true
  grep -qF "$MARK" "$CONFIGURATION" 2> /dev/null && rm -f "$CONFIGURATION"
  rm -rf "$STATE"
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  status) sinfo && squeue ;;
  *) echo "usage: cluster.sh start | stop | status" >&2; exit 2 ;;
esac
