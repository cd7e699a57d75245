import { resolve } from "node:path";
import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { loadRelease, type Release, type ReleaseFile } from "../release/load-release.ts";
import { publishFile } from "../release/publish-file.ts";
import { findRememberedPlace, rememberPlace } from "../release/remembered-place.ts";
import type { AppsCommandSpec, AppsContext } from "./apps-command.ts";
import { choosePlace, placeArgs } from "./place-args.ts";

const Args = Type.Object({
  ...placeArgs,
  app: Type.Optional(Type.Array(Type.String(), { description: "Only this app, may be repeated. Default: all." })),
  from: Type.Optional(Type.String({ placeholder: "dir", description: "The release's folder. Default: dist/release." })),
  replace: Type.Optional(Type.Boolean({ description: "Write over a version that stands there with another digest." })),
});

const DEFAULT_FOLDER = "dist/release";

/** `apps publish`: uploads zips and templates of a release after their sums were checked. */
export const appsPublish: AppsCommandSpec<typeof Args> = {
  name: "apps publish",
  summary: "Upload the apps of a release and their templates to a bucket.",
  args: Args,
  run: publish,
};

async function publish(context: AppsContext, args: Static<typeof Args>): Promise<number> {
  const { out, projectDir, dataDir, signal, aws } = context;
  const place = choosePlace(args, [await findRememberedPlace(dataDir)]);
  const release = await loadRelease(resolve(projectDir, args.from ?? DEFAULT_FOLDER));
  for (const file of chooseFiles(release, args.app)) {
    if (signal.aborted) throw new StackyardError("INTERRUPTED", "Interrupted. Publish again; what is there stays.");
    const { key, action, versionId, sha256 } = await publishFile(aws.s3, place, file, {
      replace: args.replace === true,
    });
    const object = `s3://${place.bucket}/${key}`;
    const told = { kind: file.kind, name: file.name, version: file.version, object, action, sha256 };
    out.result({ ...told, versionId: versionId ?? null }, () => {
      const version = versionId === undefined ? "" : `  version ${versionId}`;
      return `${action === "uploaded" ? "uploaded" : "present "}  ${object}${version}  sha256 ${sha256}`;
    });
  }
  await rememberPlace(dataDir, place);
  return 0;
}

/** The apps that are asked for, and always all templates: they belong to one version. */
function chooseFiles({ files, version }: Release, names: readonly string[] | undefined): readonly ReleaseFile[] {
  if (names === undefined) return files;
  const known = files.filter(({ kind }) => kind === "app").map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const has = known.join(", ") || "none";
    throw new StackyardError("NOT_FOUND", `Release ${version} has no app ${unknown.join(", ")}; it has ${has}.`);
  }
  return files.filter(({ kind, name }) => kind === "template" || names.includes(name));
}
