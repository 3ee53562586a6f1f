"""The promises of the product, tried again by the product itself, for anybody who doubts them.

Above `app`, because a proof runs the whole product as it is used; nothing here is imported by what trades.
"""
