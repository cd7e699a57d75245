import type { Executor } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { checkTerraformConfig, checkTerraformTasks, terraformDocumentSchemas } from "./check-config.ts";
import { toStateKey } from "./state-key.ts";

/** Terraform releases its lock and saves the state within seconds; a provider may need minutes to let go. */
const CANCEL_WITHIN = "5m";

/** Files of a bucket: one object, or everything under `key` + `/`. */
const S3SourceConfig = Type.Object(
  {
    type: Type.Literal("s3"),
    bucket: Type.String({ minLength: 1, maxLength: 255, description: "Name of the bucket" }),
    key: Type.String({ minLength: 1, maxLength: 1024, description: "One object, or the folder that holds the files" }),
  },
  { additionalProperties: false },
);

/** A file or folder of the project. */
const LocalSourceConfig = Type.Object(
  {
    type: Type.Literal("local"),
    location: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: "A file, or a folder whose contents are used",
    }),
  },
  { additionalProperties: false },
);

/** Accepted since the first version, but such a task fails when it runs. */
const UntypedSourceConfig = Type.Object(
  {
    bucket: Type.Optional(Type.String({ maxLength: 255 })),
    key: Type.Optional(Type.String({ maxLength: 1024 })),
    location: Type.Optional(Type.String({ maxLength: 1024 })),
  },
  { additionalProperties: false },
);

/** What a task does with which configuration files. */
export const TerraformConfig = Type.Object(
  {
    action: Type.Union([Type.Literal("apply"), Type.Literal("destroy")]),
    source: Type.Optional(Type.Union([S3SourceConfig, LocalSourceConfig, UntypedSourceConfig])),
    variables: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        maxProperties: 1000,
        description: "Terraform variables; they win over metadata of the same name",
      }),
    ),
  },
  { additionalProperties: false },
);
export type TerraformConfig = Static<typeof TerraformConfig>;

/** The root module's outputs: scalars as they are, lists and maps as JSON text. */
export const TerraformOutputs = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
);
export type TerraformOutputs = Static<typeof TerraformOutputs>;

/** What engine, validator and editor need to know of the executor `terraform`; imports no SDK. */
export const terraformDefinition = {
  name: "terraform",
  config: TerraformConfig,
  outputs: TerraformOutputs,
  resumable: false,
  cancelWithin: CANCEL_WITHIN,
  /** Two runs on one state would refuse or, without locks, destroy each other: they queue instead. */
  exclusiveKey: (subject: { readonly machine: string; readonly stackId: string }, config: TerraformConfig) =>
    toStateKey(subject, config.source),
  checkConfig: checkTerraformConfig,
  checkTasks: checkTerraformTasks,
  documentSchemas: terraformDocumentSchemas,
} as const satisfies Omit<Executor, "start">;
