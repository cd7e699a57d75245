/** What a call of a function gave, deployed or local. */
export interface FunctionAnswer {
  /** `Unhandled` or `Handled` when the function failed: the header X-Amz-Function-Error. */
  readonly functionError?: string;
  /** JSON as text, unless the function's runtime is odd. */
  readonly payload: string;
}

/** What a function may answer with (Function.ResponseSizeTooLarge names this number: 6 MB and 100 bytes). */
export const MAX_RESPONSE_BYTES = 6_291_556;
