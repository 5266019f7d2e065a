"""How live orders leave, in whole or in part."""
