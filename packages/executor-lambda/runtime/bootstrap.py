"""The program that one call of a local Python function runs in: `python3 bootstrap.py <file> <handler>`.

The call comes as one line on standard input, which stays open as long as the runner lives; the answer goes to
descriptor 3 as `S` or `E` and JSON. Errors look as the Python runtime of Lambda writes them.
"""

import importlib.util
import json
import os
import sys
import threading
import time
import traceback


class Context:
    def __init__(self, facts, timeout_ms):
        self.function_name = facts["functionName"]
        self.function_version = facts["functionVersion"]
        self.invoked_function_arn = facts["invokedFunctionArn"]
        self.memory_limit_in_mb = facts["memoryLimitInMB"]
        self.aws_request_id = facts["awsRequestId"]
        self.log_group_name = facts["logGroupName"]
        self.log_stream_name = facts["logStreamName"]
        self.identity = None
        self.client_context = None
        self._ends_at = time.monotonic() + timeout_ms / 1000

    def get_remaining_time_in_millis(self):
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


def answer(kind, text):
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(3, "w", encoding="utf-8") as result:
        result.write(kind + text + "\n")
    os._exit(0)


def fail(request_id, error_type, message, frames=()):
    lines = traceback.format_list(frames)
    payload = {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": lines}
    answer("E", json.dumps(payload))


def frames_of(error, file):
    """From the function's own file on: what stands above it is this program."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [index for index, frame in enumerate(frames) if os.path.abspath(frame.filename) == file]
    return frames[own[0]:] if own else frames


def load(file, name, request_id):
    module_name = os.path.splitext(os.path.basename(file))[0]
    sys.path.insert(0, os.path.dirname(file))
    try:
        spec = importlib.util.spec_from_file_location(module_name, file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    except SyntaxError as error:
        fail(request_id, "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}")
    except (ImportError, FileNotFoundError) as error:
        message = f"Unable to import module '{module_name}': {error}"
        fail(request_id, "Runtime.ImportModuleError", message, frames_of(error, file))
    except Exception as error:
        fail(request_id, type(error).__name__, str(error), frames_of(error, file))
    if not callable(getattr(module, name, None)):
        fail(request_id, "Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'")
    return getattr(module, name)


def end_with_runner():
    sys.stdin.read()
    os._exit(1)


def main():
    file, name = os.path.abspath(sys.argv[1]), sys.argv[2]
    call = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_runner, daemon=True).start()
    request_id = call["context"]["awsRequestId"]
    handler = load(file, name, request_id)
    try:
        result = handler(call["event"], Context(call["context"], call["timeoutMs"]))
    except Exception as error:
        fail(request_id, type(error).__name__, str(error), frames_of(error, file))
    try:
        text = json.dumps(result)
    except (TypeError, ValueError) as error:
        fail(request_id, "Runtime.MarshalError", f"Unable to marshal response: {error}")
    answer("S", text)


main()
