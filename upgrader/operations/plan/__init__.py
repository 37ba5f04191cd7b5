"""`upgrader plan`: the facts of a decision, gathered; and the releases worth asking for, asked one by one."""
