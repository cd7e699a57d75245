import { resolve } from "node:path";
import { StackyardError } from "@stackyard/core";
import { toLetters } from "../names/release-id.ts";
import { type PlaceWords, toBucket, toConstants, toPlaceDefaults } from "./open-place.ts";
import { type PreparedRelease, prepareRelease } from "./prepare-release.ts";
import { readTextFile } from "./read-text-file.ts";
import type { ReleaseContext } from "./release-command.ts";

/** A release file with its user data, made ready to be sent; or what is wrong with it. Throws `CONFIG_INVALID` where it cannot be read. */
export async function loadReleaseFile(
  context: Pick<ReleaseContext, "cwd" | "clock" | "random" | "environment">,
  file: string,
  words: PlaceWords,
): Promise<PreparedRelease> {
  const path = resolve(context.cwd, file);
  const userDataFile = `${file}.userdata`;
  const [text, userData] = await Promise.all([
    readTextFile(path, `The release file "${file}"`),
    readTextFile(`${path}.userdata`, `The user data "${userDataFile}"`),
  ]);
  if (text === undefined) throw new StackyardError("CONFIG_INVALID", `There is no release file "${file}".`);
  const bucket = toBucket(context, words);
  return prepareRelease({
    ...(bucket === undefined ? {} : { bucket }),
    text,
    userData,
    userDataFile,
    constants: toConstants(context, words),
    now: context.clock.now(),
    letters: toLetters(context.random),
    ...toPlaceDefaults(context, words),
  });
}
