import { queryFaults, type ServiceFaults, SimFault } from "../sim-call.ts";

/** Errors of CloudWatch with their statuses. Source: API reference, "PutMetricAlarm", "DescribeAlarms", "DeleteAlarms", errors. */
export const cloudWatchFaults = {
  ...queryFaults,
  badValue: (message: string) => new SimFault("InvalidParameterValueException", 400, message),
  badCombination: (message: string) => new SimFault("InvalidParameterCombinationException", 400, message),
  missing: (field: string) =>
    new SimFault("MissingRequiredParameterException", 400, `The parameter ${field} is required.`),
  constraint: (field: string, constraint: string) =>
    new SimFault(
      "ValidationException",
      400,
      `1 validation error detected: Value at '${field}' failed to satisfy constraint: ${constraint}`,
    ),
  badToken: () => new SimFault("InvalidNextToken", 400, "The next token specified is invalid."),
  notFound: (names: string) => new SimFault("ResourceNotFound", 404, `Unknown alarm: ${names}`),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;
