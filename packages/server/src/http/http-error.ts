import { type ErrorCode, StackyardError } from "@stackyard/core";

/** An error whose status differs from the one that its code has everywhere else, such as 405 or 415. */
export class HttpError extends StackyardError {
  readonly status: number;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    options?: ConstructorParameters<typeof StackyardError>[2],
  ) {
    super(code, message, options);
    this.status = status;
  }
}
