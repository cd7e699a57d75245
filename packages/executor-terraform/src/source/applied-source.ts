import { hash } from "node:crypto";
import { join, relative } from "node:path";
import { defined, type ExecutorContext } from "@stackyard/core";
import { SEALER, toStateName } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { TerraformConfig } from "../definition.ts";
import type { StagedRun } from "../run/staged-run.ts";
import {
  findContent,
  forgetContent,
  type KeptPlace,
  keepContent,
  packFiles,
  type RecordsContext,
} from "./kept-files.ts";
import { packHeader, unpackHeader } from "./packed-header.ts";

/** The part of a task's config by which a run finds and plans its configuration. */
const AppliedConfig = Type.Pick(TerraformConfig, ["source", "backend"]);

const AppliedHeader = Type.Object({
  config: AppliedConfig,
  /** Texts of the declared variables, by name. */
  variables: Type.Record(Type.String(), Type.String()),
  /** Names of variables whose values are secret. */
  secrets: Type.Array(Type.String()),
  /** The folder of the configuration in the files. */
  module: Type.String(),
});
type AppliedHeader = Static<typeof AppliedHeader>;

/** The configuration that a state was changed with last. */
export interface AppliedSource extends AppliedHeader {
  /** The files as a compressed archive. Undefined: the source has to be read again. */
  readonly files?: Uint8Array;
}

/**
 * Remembers the configuration of a run that has changed its state, for a destroy that cannot use its own. Without a seal
 * key, neither the files nor secret variables are remembered; a runner without a store remembers nothing.
 */
export async function rememberApplied(run: StagedRun, sequence: number): Promise<void> {
  const { ctx, config, stateKey } = run;
  if (config.sharedState !== undefined) return;
  const sealer = ctx.service(SEALER);
  const header = toHeader(run, sealer !== undefined);
  await keepContent(ctx, toPlace(stateKey), {
    digest: hash("sha256", JSON.stringify([run.sourceDigest, header])),
    sequence,
    async pack() {
      const files = sealer && (await packFiles(join(run.folder, "module")));
      return packHeader(header, files ?? new Uint8Array());
    },
  });
}

/** Forgets the configuration of a state that has no resources any more. */
export function forgetApplied(ctx: RecordsContext, stateKey: string): Promise<void> {
  return forgetContent(ctx, toPlace(stateKey));
}

/** Returns the configuration that a state was changed with last; undefined when the yard does not have it. */
export async function findApplied(ctx: ExecutorContext, stateKey: string): Promise<AppliedSource | undefined> {
  const opened = await findContent(ctx, toPlace(stateKey));
  const { header, rest } = (opened && unpackHeader(opened)) ?? {};
  if (!Value.Check(AppliedHeader, header)) return undefined;
  return { ...header, ...(rest === undefined || rest.length === 0 ? {} : { files: rest }) };
}

function toHeader({ config, variables, isSecret, folder, module }: StagedRun, isSealed: boolean): AppliedHeader {
  const { source, backend } = config;
  const secrets = [...variables].filter(([name, value]) => isSecret(name, value)).map(([name]) => name);
  const kept = [...variables].filter(([name]) => isSealed || !secrets.includes(name));
  return {
    config: defined({ source, backend }),
    variables: Object.fromEntries(kept),
    secrets,
    module: relative(join(folder, "module"), module),
  };
}

function toPlace(stateKey: string): KeptPlace {
  return { prefix: "terraform-applied", name: toStateName(stateKey) };
}
