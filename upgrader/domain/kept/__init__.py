"""What is kept for a way back: slots, snapshots, trees and the class of each path; when two states are the same;
what may go.
"""
