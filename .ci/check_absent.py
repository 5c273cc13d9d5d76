"""Exit with a message when one of the named modules can be imported: python check_absent.py solana driftpy"""

import sys
from importlib.util import find_spec

present = [name for name in sys.argv[1:] if find_spec(name) is not None]
if present:
    sys.exit(f"importable, and should not be: {', '.join(present)}")
print(f"absent, as they should be: {', '.join(sys.argv[1:])}")
