; The sum of the numbers from 1 to 10, in the syntax of the kernel's verifier log.
    r0 = 0
    r1 = 10
again:
    r0 += r1
    r1 -= 1
    if r1 != 0 goto again
    exit
