import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { Type } from "typebox";

const word = (placeholder: string, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, placeholder, description }));

/** Which distributor. */
export const distributorArgs = {
  distributor: word("name|arn", "The distributor's function. Default: STACKYARD_DISTRIBUTOR."),
  distributorRegion: word("name", "Its region. Default: that of its ARN, or AWS_REGION."),
};

/** An artifact's version, in this order. */
export const versionArgs = {
  name: Type.String({
    pattern: ARTIFACT_NAME,
    expected: "lower-case letters, digits, dots, -, _ and / between parts, at most 128, such as team/billing-api",
    description: "Such as billing-api, or team/billing-api.",
  }),
  version: Type.String({
    pattern: ARTIFACT_VERSION,
    expected: "a letter or digit, then letters, digits, dots, -, _ and +, at most 64, such as 1.4.2",
    description: "Such as 1.4.2.",
  }),
};

/** Account and region of a consumer. */
export const consumerArgs = {
  account: Type.String({ pattern: "^[0-9]{12}$", expected: "12 digits", description: "The consumer's account." }),
  region: Type.String({
    pattern: "^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$",
    expected: "a region such as eu-west-1",
    description: "The consumer's region.",
  }),
};

/** The same as flags. */
export const consumerFlags = {
  account: Type.Optional(Type.String({ ...consumerArgs.account, placeholder: "id" })),
  region: Type.Optional(Type.String({ ...consumerArgs.region, placeholder: "name" })),
};

/** An artifact, or one version of it. */
export const artifactFlag = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 193,
    placeholder: "name[@version]",
    description: "Only this artifact, or this version of it.",
  }),
);

/** Of commands that wait for coverage. */
export const waitArgs = {
  wait: Type.Optional(Type.Boolean({ description: "Wait until the version stands at every consumer." })),
  timeout: Type.Optional(
    Type.String({
      pattern: "^[1-9][0-9]{0,8}(s|m|h|d)$",
      placeholder: "length",
      expected: "a whole number and s, m, h or d, such as 30m",
      description: "With --wait: how long, such as 30m (then exit code 4). Default: 15m.",
    }),
  ),
};

/** A role in an account of a consumer. */
export const roleArgs = {
  role: word("arn", "The role to take in the consumer's account. Default: your own credentials."),
  externalId: word("text", "For that role."),
};

/** Where artifacts are published. */
export const sourceArgs = {
  bucket: word("name", "The distributor's bucket. Default: STACKYARD_ARTIFACTS_BUCKET."),
  prefix: word("text", "Before all keys. Default: STACKYARD_ARTIFACTS_PREFIX, or none."),
};

/** At most so many lines. */
export const limitArg = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 10_000, description: "At most so many. Default: 50." }),
);
