import {
  defineService,
  type Executor,
  type ProvidedService,
  provideService,
  type ServiceKey,
  toStatePrefix,
  trimEndOf,
} from "@stackyard/core";
import { GitSourceConfig, LocalSourceConfig, S3SourceConfig } from "@stackyard/sources/definition";
import { type Static, Type } from "typebox";
import { checkTerraformConfig, terraformDocumentSchemas } from "./source/check-config.ts";
import { checkTerraformTasks } from "./state/check-states.ts";
import { type StatePlace, toTaskStateName } from "./state/state-name.ts";

/** Terraform releases its lock and saves the state within seconds; a provider may need minutes to stop. */
const CANCEL_WITHIN = "5m";

/** A folder of a commit at a code host. A destroy may name no commit. */
const GitSource = Type.Object(
  {
    ...GitSourceConfig.properties,
    commit: Type.String({
      pattern: "^(?:[0-9a-f]{40})?$",
      expected: "a full commit of 40 hexadecimal digits",
      description: "The commit in full. Empty in a destroy: that of the last apply",
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

/** Files with rules: from the project or a bucket, never from the configuration to check. */
const PolicySource = Type.Union([S3SourceConfig, LocalSourceConfig]);
/** Where the policies of a plan are. */
export type PolicySource = Static<typeof PolicySource>;

/** Addresses of resources; a star fits any characters. */
const AddressGlobs = Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { maxItems: 100 });

/** The action of a task, and its configuration files. */
export const TerraformConfig = Type.Object(
  {
    action: Type.Union([
      Type.Literal("apply"),
      Type.Literal("destroy"),
      Type.Literal("plan", { description: "Save a plan that a later task applies" }),
      Type.Literal("drift", { description: "Compare the resources with the state" }),
    ]),
    source: Type.Optional(Type.Union([S3SourceConfig, LocalSourceConfig, GitSource, UntypedSourceConfig])),
    variables: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        maxProperties: 1000,
        description: "Terraform variables; they win over metadata of the same name",
      }),
    ),
    plan: Type.Optional(
      Type.String({
        pattern: "^[0-9a-f]{32}$",
        expected: "32 hexadecimal digits",
        description: "With apply: the saved plan to apply, as a plan task returned it",
      }),
    ),
    destroy: Type.Optional(Type.Boolean({ description: "With plan: plan to destroy everything" })),
    ignore: Type.Optional(
      Type.Array(Type.String({ pattern: ":", maxLength: 512 }), {
        maxItems: 100,
        description: "With drift: `address:attribute` that may differ; a star fits any characters",
      }),
    ),
    binary: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "One of the option `binaries`, by its name or path" }),
    ),
    version: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "Versions that may be used, such as `~> 1.11.0`" }),
    ),
    switchProduct: Type.Optional(
      Type.Boolean({ description: "Another program than the last one, such as OpenTofu after Terraform, may be used" }),
    ),
    backend: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[a-z][a-z0-9_]{0,63}$" }),
        Type.Union([Type.String({ maxLength: 1024 }), Type.Number(), Type.Boolean()]),
        {
          maxProperties: 20,
          description: "Settings of the declared backend, such as `prefix`; they contain the stack, and no secrets",
        },
      ),
    ),
    state: Type.Optional(
      Type.String({
        pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
        expected: "a name such as api",
        description: "The name of the task's state in the stack. Default: a state for each source",
      }),
    ),
    keep: Type.Optional(
      Type.Boolean({ description: "With apply: the resources outlive the stack, which is removed without them" }),
    ),
    sharedState: Type.Optional(
      Type.String({
        pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
        expected: "a name such as network",
        description: "The name of a state that stacks share, in a declared backend whose address has no stack",
      }),
    ),
    switchBackend: Type.Optional(
      Type.Boolean({
        description: "Another state than the last one, or a new one instead of a missing one, may be used",
      }),
    ),
    switchTarget: Type.Optional(
      Type.Boolean({ description: "Another account or region than that of the last run may be used" }),
    ),
    outputs: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        maxItems: 100,
        description: "With apply: the outputs that the task returns. Default: all",
      }),
    ),
    protect: Type.Optional({
      ...AddressGlobs,
      description: "Resources that must not be deleted or replaced, such as `aws_db_instance.*`",
    }),
    destroyImported: Type.Optional(
      Type.Boolean({ description: "What existed before it was imported may be deleted or replaced" }),
    ),
    policies: Type.Optional(
      Type.Object(
        {
          source: PolicySource,
          onProblems: Type.Optional(
            Type.Union([Type.Literal("fail"), Type.Literal("report")], {
              description: "What errors of policies do. Default: `fail`",
            }),
          ),
          conftest: Type.Optional(
            Type.Boolean({ description: "Also check policies in Rego with the program `conftest`. Default: false" }),
          ),
        },
        { additionalProperties: false, description: "Rules that the plan must not violate" },
      ),
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

/** The definition of the executor `terraform` for engine, validator and editor; imports no SDK. */
export const terraformDefinition = {
  name: "terraform",
  config: TerraformConfig,
  outputs: TerraformOutputs,
  resumable: false,
  cancelWithin: CANCEL_WITHIN,
  /** Returns the state's key. Two runs on one state would fail or, without locks, corrupt it: they queue instead. */
  exclusiveKey: (subject: { readonly machine: string; readonly stackId: string }, config: TerraformConfig) =>
    config.sharedState === undefined ? toStateKey(subject, config) : `terraform-shared/${config.sharedState}`,
  checkConfig: checkTerraformConfig,
  checkTasks: checkTerraformTasks,
  documentSchemas: terraformDocumentSchemas,
} as const satisfies Omit<Executor, "start">;

/** The parts of a stack in a state key. */
interface StateOwner {
  readonly machine: string;
  readonly stackId: string;
}

/**
 * Returns the key of a task's state: the stack's prefix and the state's name. Undefined when its source names no files, and the
 * task no state.
 */
export function toStateKey(owner: StateOwner, place: StatePlace): string | undefined {
  const name = toTaskStateName(place);
  return name === undefined ? undefined : `${toStatePrefix(owner)}${name}`;
}

/**
 * Returns the address of a state in the yard's own backend: the key as path, each part escaped, so that none can leave
 * its place. If a part is a dot, which URL parsers resolve, the key is one escaped part.
 */
export function toStateAddress(baseUrl: string, stateKey: string): string {
  const parts = stateKey.split("/");
  const hasDots = parts.some((part) => part === "." || part === "..");
  const path = hasDots ? encodeURIComponent(stateKey) : parts.map(encodeURIComponent).join("/");
  return `${trimEndOf(baseUrl, "/")}/${path}`;
}

/** Defaults of these options. */
export const OPTION_DEFAULTS = { binary: "terraform", lockTimeout: "30s" } as const;

/** The options of this plugin in a project. */
export const TerraformOptions = Type.Object(
  {
    binary: Type.Optional(
      Type.String({
        minLength: 1,
        description: "A program in `PATH`, such as `tofu`, or a path",
        default: OPTION_DEFAULTS.binary,
      }),
    ),
    binaries: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        maxItems: 20,
        description:
          "Programs that tasks choose from by `binary` and `version`, the preferred one first; replaces `binary`. Default: none",
      }),
    ),
    version: Type.Optional(
      Type.String({
        minLength: 1,
        description: "The allowed versions, as in `required_version`: `~> 1.11.0`. Default: any",
      }),
    ),
    sourcesDir: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "The folder of local sources. The executor reads nothing outside it, and nothing in the runner's own folders (data, work, providers), also not through links. Default: the project",
      }),
    ),
    workDir: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "The folder in which each run has its own folder. Default: `/tmp`; where it cannot be written to, the system's folder for temporary files",
      }),
    ),
    providerCacheDir: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Keeps providers for later runs. Default: `terraform-providers` in the data folder",
      }),
    ),
    cliConfigFile: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "Terraform's CLI configuration, for example for a mirror. The runner's own `TF_CLI_CONFIG_FILE` is not passed. Default: none",
      }),
    ),
    registries: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 100,
        description:
          "The hosts of the registries whose providers may be started, such as `registry.terraform.io`. Default: all",
      }),
    ),
    passEnvironment: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 100,
        description:
          "Further environment variables to pass; a trailing `*` matches any suffix. `TF_CLI_ARGS*` and `TF_DATA_DIR` are never passed. Default: none",
      }),
    ),
    untrusted: Type.Optional(
      Type.Union([Type.Literal("refuse"), Type.Literal("allow")], {
        description: "`allow` runs sources with `trusted: false`, in targets with a role. Default: `refuse`",
      }),
    ),
    cost: Type.Optional(
      Type.Literal("infracost", {
        description: "`infracost`: estimates of plans with Infracost where it can be run. Default: `prices`",
      }),
    ),
    prices: Type.Optional(
      Type.String({ minLength: 1, description: "A file with prices, for estimates of plans. Default: none" }),
    ),
    lockTimeout: Type.Optional(
      Type.String({
        pattern: "^\\d{1,5}(ms|s|m|h)$",
        expected: "a duration such as 30m",
        description: "How long to wait for a locked state",
        default: OPTION_DEFAULTS.lockTimeout,
      }),
    ),
  },
  { additionalProperties: false },
);
export type TerraformOptions = Static<typeof TerraformOptions>;

/** The yard's state backend, as one attempt reaches it. */
export interface TerraformState {
  /** The base address of the `http` backend. */
  readonly url: string;
  /** Returns the attempt's password, valid while its lease is; the user is the attempt's id. A secret. */
  password(): Promise<string>;
}

/** The service with which runners store the state of tasks without a backend. */
export const TERRAFORM_STATE: ServiceKey<TerraformState> = defineService<TerraformState>("terraform-state");

/** Returns the service for a worker; `url` is the `stateBackendUrl` of the yard's server. */
export function provideTerraformState(url: string): ProvidedService {
  return provideService(TERRAFORM_STATE, ({ password }) => ({ url, password }));
}
