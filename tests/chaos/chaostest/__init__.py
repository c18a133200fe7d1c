"""chaostest - clients that write down what they were told, a killer, and a judge of the two."""
