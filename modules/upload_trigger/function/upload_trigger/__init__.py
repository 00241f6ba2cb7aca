"""An uploaded object becomes one asynchronous inference: the code of the trigger's Lambda function."""
