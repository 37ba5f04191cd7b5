"""What a rollback settles between the exchange of trees and the start of the old gateway: planned by `domain.moves.settle`,
carried out so that it can be killed and run again.
"""
