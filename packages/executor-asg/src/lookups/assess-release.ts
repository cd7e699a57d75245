import { parseRelease } from "../document/parse-release.ts";
import type { Release } from "../document/release.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { judgeRelease, type ReleaseVerdict } from "../resources/judge-release.ts";
import { compareReleases } from "../safe-release/compare-releases.ts";
import { loadReleaseLookUps } from "./load-release-look-ups.ts";
import type { ResourceProblem } from "./look-up.ts";

/**
 * Looks up all that a release names and judges it, against the release before where it shall be safe. Reads only. Throws
 * `BAD_RELEASE` where AWS cannot be asked at all.
 */
export async function assessRelease(deps: ReleaseDeps, release: Release): Promise<ReleaseVerdict> {
  const verdict = judgeRelease(await loadReleaseLookUps(deps, release), release, deps.constants);
  const { previousReleaseId } = verdict;
  if (!release.safe_release || previousReleaseId === undefined) return verdict;
  const unsafe = await findUnsafe(deps, release, previousReleaseId);
  const problems = unsafe.map((each) => ({
    ...each,
    message: `Release(${release.release_id}) Error: ${each.message}`,
  }));
  return { ...verdict, problems: [...verdict.problems, ...problems] };
}

/** What a safe release must not change, and has changed. */
async function findUnsafe(
  { memory, constants, target, signal }: ReleaseDeps,
  release: Release,
  previousId: string,
): Promise<readonly ResourceProblem[]> {
  const fail = (text: string, cause?: unknown): readonly ResourceProblem[] => [
    {
      code: "release-previous-unknown",
      message: `Safe release: the document of the release before, "${previousId}", ${text}. Deploy without safe_release once.`,
      cause,
    },
  ];
  let document: unknown;
  try {
    document = await memory.loadDocument({ ...release, release_id: previousId });
  } catch (error) {
    signal.throwIfAborted();
    return fail(`cannot be read (${error instanceof Error ? error.message : error})`, error);
  }
  if (document === undefined) return fail("is not there");
  const parsed = parseRelease(document, { constants, account: target.account, region: target.region });
  if (parsed.kind === "refused") return fail(`breaks a rule (${parsed.problems[0]?.message})`);
  const differences = compareReleases(parsed.release, release);
  return differences.map(({ message }) => ({ code: "release-unsafe", message: `Safe release: ${message}` }));
}
