import { expect, it } from "vitest";
import { toInvocationFields } from "./invocation-fields.ts";

it("names an invocation by its request id, where there is one", () => {
  const getRemainingTimeInMillis = () => 1_000;

  expect(toInvocationFields({ awsRequestId: "r1", getRemainingTimeInMillis })).toEqual({ requestId: "r1" });
  expect([toInvocationFields({ getRemainingTimeInMillis }), toInvocationFields(undefined)]).toEqual([{}, {}]);
});
