import { type Static, Type } from "typebox";

/** What a project may set for this plugin. */
export const TerraformOptions = Type.Object(
  {
    binary: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Program: a name that is looked up in PATH, such as `tofu`, or a path. Default: `terraform`",
      }),
    ),
    version: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Versions that may be used, such as `~> 1.11.0`. Default: any, and the program is not asked",
      }),
    ),
    sourcesDir: Type.Optional(
      Type.String({ minLength: 1, description: "Folder that local sources come from. Default: the project's folder" }),
    ),
    workDir: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Folder for the files of runs. Default: the system's folder for such files",
      }),
    ),
    providerCacheDir: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Folder that keeps providers for later runs. Default: `terraform-providers` in the data folder",
      }),
    ),
    cliConfigFile: Type.Optional(
      Type.String({ minLength: 1, description: "Terraform's CLI configuration file. Default: none of our own" }),
    ),
    passEnvironment: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 100,
        description: "More environment variables to hand on; `TF_TOKEN_*` hands on all that begin so. Default: none",
      }),
    ),
    lockTimeout: Type.Optional(
      Type.String({
        pattern: "^\\d{1,5}(ms|s|m|h)$",
        description: "How long to wait for a state that is locked. Default: `30s`",
      }),
    ),
  },
  { additionalProperties: false },
);
export type TerraformOptions = Static<typeof TerraformOptions>;
