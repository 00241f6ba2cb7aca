"""The server side by side with others in one run, all with the same handler; needs Java for SageMaker's toolkit.

python benchmarks/serving.py --strict
"""

import sys

from servers.command import main

if __name__ == "__main__":
    sys.exit(main())
