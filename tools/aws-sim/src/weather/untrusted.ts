import { failingWeather, isCall, type Moment, type Weather } from "@stackyard/core/testing";
import { SimFault } from "../sim-fault.ts";
import { faultsOf } from "./service-faults-of.ts";

/** Longer than any patience for a permission that is only late. */
const LASTS_MS = 20 * 60_000;
const SESSION = "arn:aws:sts::111122223333:assumed-role/weather/1";

/** The answer of CloudFormation's presigned URL needs no permission, and STS names the caller to everyone. */
const isJudged = (moment: Moment) =>
  isCall(moment) && !/^(CloudFormation\.Response|STS\.GetCallerIdentity)$/.test(moment.operation);

/** How a service names a key of KMS that is disabled, where it decrypts or encrypts. */
const KEY_DISABLED: readonly { readonly operation: RegExp; readonly code: string; readonly status: number }[] = [
  {
    operation: /^S3\.(GetObject|PutObject|CopyObject|CreateMultipartUpload)$/,
    code: "KMS.DisabledException",
    status: 400,
  },
  { operation: /^SNS\.Publish/, code: "KMSDisabled", status: 400 },
  { operation: /^SQS\.(Send|Receive)Message/, code: "KmsDisabled", status: 400 },
  { operation: /^Lambda\.Invoke$/, code: "KMSDisabledException", status: 502 },
  { operation: /^SecretsManager\.GetSecretValue$/, code: "DecryptionFailure", status: 400 },
];

const findKeyError = ({ operation }: Moment) => KEY_DISABLED.find((each) => each.operation.test(operation));

/** A permission, a role, an account, credentials or a key is taken away while the program works. */
export const untrustedWeathers: readonly Weather[] = [
  {
    ...failingWeather({
      name: "untrusted",
      lastsMs: LASTS_MS,
      source:
        'Organizations user guide, "Service control policies" and "Closing a member account": every call of the account is denied, also those of its roles',
      fits: isJudged,
      error: (moment) => faultsOf(moment).denied(SESSION, moment.operation),
    }),
    isEverywhere: true,
  },
  failingWeather({
    name: "denied 20 min",
    lastsMs: LASTS_MS,
    source: 'IAM guide, "Policy evaluation logic": one action is taken out of a policy',
    fits: isJudged,
    error: (moment) => faultsOf(moment).denied(SESSION, moment.operation),
  }),
  failingWeather({
    name: "expired",
    source: '"Common errors" in the API reference of each service: ExpiredToken; the next call has new credentials',
    fits: isJudged,
    error: (moment) => faultsOf(moment).expired(),
  }),
  {
    ...failingWeather({
      name: "key disabled",
      lastsMs: LASTS_MS,
      source: 'KMS developer guide, "Enable and disable keys"; errors of GetObject, Publish, Invoke, GetSecretValue',
      fits: (moment) => findKeyError(moment) !== undefined,
      error(moment) {
        const { code = "", status = 400 } = findKeyError(moment) ?? {};
        return new SimFault(code, status, "arn:aws:kms:eu-west-1:111122223333:key/1 is disabled.");
      },
    }),
    isEverywhere: true,
  },
];
