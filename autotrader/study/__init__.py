"""Studies of the product by the product: proofs of its promises, made by anybody who doubts them.

Above `app`, because a proof runs the whole product as it is used; nothing here is imported by what trades.
"""
