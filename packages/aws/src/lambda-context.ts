/** The part of the context of a Lambda invocation that functions read. A manual test call may have none of it. */
export interface LambdaContext {
  readonly awsRequestId?: string;
  readonly functionName?: string;
  getRemainingTimeInMillis?(): number;
}
