import type { ServiceFaults } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

interface SignedRequest {
  readonly accessKeyId: string;
  readonly stringToSign: string;
  readonly signature: string;
}

interface EndedUrl {
  readonly expiresSeconds: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly now: number;
}

/** Errors of S3 with their statuses. Source: S3 API reference, "Error responses", "List of error codes". */
export const s3Faults = {
  unknownKey: (AWSAccessKeyId: string) =>
    new SimFault("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.", {
      AWSAccessKeyId,
    }),
  expired: () => new SimFault("ExpiredToken", 400, "The provided token has expired."),
  denied: (who: string, action: string) =>
    new SimFault("AccessDenied", 403, `User: ${who} is not authorized to perform: ${action}`),
  wrongSignature: ({ accessKeyId, stringToSign, signature }: SignedRequest) =>
    new SimFault(
      "SignatureDoesNotMatch",
      403,
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
      { AWSAccessKeyId: accessKeyId, StringToSign: stringToSign, SignatureProvided: signature },
    ),
  urlExpired: ({ expiresSeconds, expiresAt, now }: EndedUrl) =>
    new SimFault("AccessDenied", 403, "Request has expired", {
      "X-Amz-Expires": expiresSeconds,
      Expires: new Date(expiresAt).toISOString(),
      ServerTime: new Date(now).toISOString(),
    }),
  throttled: () => new SimFault("SlowDown", 503, "Please reduce your request rate."),
  noSuchBucket: (BucketName: string) =>
    new SimFault("NoSuchBucket", 404, "The specified bucket does not exist", { BucketName }),
  noSuchKey: (Key: string) => new SimFault("NoSuchKey", 404, "The specified key does not exist.", { Key }),
  noSuchVersion: (Key: string) => new SimFault("NoSuchVersion", 404, "The specified version does not exist.", { Key }),
  badDigest: (algorithm: string) =>
    new SimFault("BadDigest", 400, `The ${algorithm} you specified did not match the calculated checksum.`),
  noSuchUpload: (UploadId: string) =>
    new SimFault(
      "NoSuchUpload",
      404,
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
      { UploadId },
    ),
  invalidPart: (PartNumber: string) =>
    new SimFault(
      "InvalidPart",
      400,
      "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      { PartNumber },
    ),
  invalidPartOrder: () =>
    new SimFault(
      "InvalidPartOrder",
      400,
      "The list of parts was not in ascending order. Parts must be ordered by part number.",
    ),
  tooSmall: () =>
    new SimFault("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed object size."),
  tooLarge: () => new SimFault("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed object size."),
  malformedXml: () =>
    new SimFault(
      "MalformedXML",
      400,
      "The XML you provided was not well-formed or did not validate against our published schema.",
    ),
  invalidArgument: (message: string) => new SimFault("InvalidArgument", 400, message),
  invalidRequest: (message: string) => new SimFault("InvalidRequest", 400, message),
  methodNotAllowed: () =>
    new SimFault("MethodNotAllowed", 405, "The specified method is not allowed against this resource."),
  bucketIsYours: () =>
    new SimFault(
      "BucketAlreadyOwnedByYou",
      409,
      "Your previous request to create the named bucket succeeded and you already own it.",
    ),
  bucketIsTaken: () =>
    new SimFault(
      "BucketAlreadyExists",
      409,
      "The requested bucket name is not available. The bucket namespace is shared by all users of the system.",
    ),
  invalidBucketName: () => new SimFault("InvalidBucketName", 400, "The specified bucket is not valid."),
  wrongLocation: (location: string) =>
    new SimFault(
      "IllegalLocationConstraintException",
      400,
      `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    ),
  bucketNotEmpty: () => new SimFault("BucketNotEmpty", 409, "The bucket you tried to delete is not empty."),
  notConfigured: (code: string) => new SimFault(code, 404, "The bucket has no such configuration."),
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
} satisfies ServiceFaults & Record<string, (...facts: never[]) => SimFault>;
