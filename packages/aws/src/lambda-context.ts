/** The part of a Lambda invocation's context that functions use. A manual test call may lack it. */
export interface LambdaContext {
  readonly awsRequestId?: string;
  readonly functionName?: string;
  getRemainingTimeInMillis?(): number;
}
