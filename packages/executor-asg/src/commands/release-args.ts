import { toFollowArgs } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { PRESETS } from "../release-constants.ts";

const word = (placeholder: string, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, placeholder, description }));

/** Whose documents, tags and paths. */
export const presetArg = Type.Optional(
  Type.Union(
    (Object.keys(PRESETS) as readonly (keyof typeof PRESETS)[]).map((name) => Type.Literal(name)),
    { description: "Whose documents, tags and paths. Default: stackyard; with ODIN_STEP: odin." },
  ),
);

/** The account and the region, where nothing else says them. */
export const accountArgs = {
  account: Type.Optional(
    Type.String({
      pattern: "^[0-9]{12}$",
      expected: "12 digits",
      placeholder: "id",
      description: "Default: AWS_ACCOUNT_ID.",
    }),
  ),
  region: word("name", "Default: AWS_REGION."),
};

/** Where releases are deployed. */
export const placeArgs = {
  preset: presetArg,
  deployer: word(
    "name|arn",
    "A deployer under Step Functions instead of the yard. Default: ODIN_STEP, where it is set.",
  ),
  bucket: word("name", "Where the deployer keeps releases; of a yard: a predecessor's bucket that it shall use too."),
  lockTable: word("name", "Of a yard, with --bucket: the predecessor's table of locks."),
  ...accountArgs,
  role: word("name", "Of a yard: the role that its runner takes in the account. Default: its own."),
  externalId: word("text", "For that role."),
};

/** A release file. */
export const fileArg = Type.String({
  minLength: 1,
  description: "The release; its user data is in the file of the same name and .userdata.",
});

/** A release that was started. */
export const releaseArg = Type.String({
  pattern: "^[A-Za-z0-9._-]{1,80}$",
  expected: "letters, digits, dots, - and _, at most 80",
  description: "The run, or the execution, as `release deploy` and `release ls` print it.",
});

/** Project and config, in this order. */
export const projectArgs = {
  project: Type.String({ minLength: 1, maxLength: 255, description: "Such as acme/shop." }),
  config: Type.String({ minLength: 1, maxLength: 255, description: "Such as production." }),
};

/** Of commands that follow a release. */
export const followArgs = toFollowArgs("release");

/** Stands in the history. */
export const reasonArg = Type.String({ minLength: 1, maxLength: 1_000, description: "Stands in the history." });
