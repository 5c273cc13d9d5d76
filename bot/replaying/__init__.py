"""What keel replay is made of: a transport that counts, alarms that were false, and the report."""
