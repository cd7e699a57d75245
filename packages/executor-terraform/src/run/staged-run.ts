import type { ExecutorContext } from "@stackyard/core";
import type { StreamMask } from "@stackyard/core/services";
import type { TerraformConfig, TerraformOutputs } from "../definition.ts";
import type { Settings } from "../settings.ts";
import type { Program } from "./find-program.ts";

/** A configuration in its own folder, with everything that a call of the program needs. */
export interface StagedRun {
  readonly ctx: ExecutorContext;
  readonly settings: Settings;
  readonly config: TerraformConfig;
  readonly program: Program;
  readonly stateKey: string;
  /** SHA-256 of the names and contents of all files of the source, in hex. */
  readonly sourceDigest: string;
  /** The run's folder: logs of calls, and the configuration under `module`. */
  readonly folder: string;
  readonly module: string;
  readonly initArguments: readonly string[];
  /** The arguments of a plan to destroy, in addition to those of each plan. */
  readonly destroyArguments: readonly string[];
  /** True if the state is in the backend of the yard. */
  readonly isYard: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** The texts of the declared variables that the run sets. */
  readonly variables: ReadonlyMap<string, string>;
  /** Returns true for a variable whose value must not be shown. */
  readonly isSecret: (name: string, value: string) => boolean;
  /** Masks a text of one or more lines. */
  readonly mask: (text: string) => string;
  /** Creates a mask for the lines of one program. */
  readonly maskStream: () => StreamMask;
  /** Shares the new providers; call it after `init`. */
  shareProviders(): Promise<void>;
}

/** The outputs of a run, as a step returns them. */
export interface RunOutputs {
  readonly outputs: TerraformOutputs;
  readonly sensitive: readonly string[];
}
