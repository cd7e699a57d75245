import type { ServiceFaults } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** Errors of S3 with their statuses. Source: S3 API reference, "Error responses", "List of error codes". */
export const s3Faults = {
  unknownKey: (AWSAccessKeyId: string) =>
    new SimFault("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.", {
      AWSAccessKeyId,
    }),
  expired: () => new SimFault("ExpiredToken", 400, "The provided token has expired."),
  denied: (who: string, action: string) =>
    new SimFault("AccessDenied", 403, `User: ${who} is not authorized to perform: ${action}`),
  throttled: () => new SimFault("SlowDown", 503, "Please reduce your request rate."),
  noSuchBucket: (BucketName: string) =>
    new SimFault("NoSuchBucket", 404, "The specified bucket does not exist", { BucketName }),
  noSuchKey: (Key: string) => new SimFault("NoSuchKey", 404, "The specified key does not exist.", { Key }),
  noSuchVersion: (Key: string) => new SimFault("NoSuchVersion", 404, "The specified version does not exist.", { Key }),
  badDigest: (algorithm: string) =>
    new SimFault("BadDigest", 400, `The ${algorithm} you specified did not match the calculated checksum.`),
  // A HEAD request has no body that could name the error (API reference, "HeadObject").
  notFound: () => new SimFault("NotFound", 404, "UnknownError"),
  preconditionFailed: (Condition: string) =>
    new SimFault("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold", {
      Condition,
    }),
  conditionalConflict: (Key: string) =>
    new SimFault(
      "ConditionalRequestConflict",
      409,
      "The conditional request cannot succeed due to a conflicting operation against this resource.",
      { Key },
    ),
  notModified: () => new SimFault("304", 304, "UnknownError"),
  keyTooLong: () => new SimFault("KeyTooLongError", 400, "Your key is too long"),
  notImplemented: (Header: string) =>
    new SimFault("NotImplemented", 501, "A header you provided implies functionality that is not implemented", {
      Header,
    }),
  invalidRange: () => new SimFault("InvalidRange", 416, "The requested range is not satisfiable"),
  invalidToken: () => new SimFault("InvalidArgument", 400, "The continuation token provided is incorrect"),
  wrongRegion: (Region: string) =>
    new SimFault(
      "PermanentRedirect",
      301,
      "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
      { Region },
    ),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;
