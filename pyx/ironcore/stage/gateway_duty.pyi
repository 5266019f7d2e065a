"""The gateway's duty cycle; used by its stage, through gateway_duty.pxd."""
