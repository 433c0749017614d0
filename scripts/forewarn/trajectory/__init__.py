"""Phase transition: does an adapter's path turn in training, and when does behaviour change?"""
