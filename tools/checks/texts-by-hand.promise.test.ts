import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

/** Files by reason, as package and name, each with the number of its places that cut by hand. */
type Reasons = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Places that cut with `slice`. */
const BY_HAND: Reasons = {
  "It is ASCII by its own pattern: an id, a hash, an encoded address, a number.": {
    "aws/assume-role.ts": 2,
    "cli/bundle.ts": 1,
    "console/log-toolbar.tsx": 1,
    "console/plan-name.tsx": 1,
    "core/evaluate-deed.ts": 1,
    "core/read-after.ts": 1,
    "core/wording.ts": 1,
    "distributor/set-rules.ts": 2,
    "executor-asg/names.ts": 1,
    "executor-ecs/ecs.ts": 1,
    "executor-ecs/tail-logs.ts": 1,
    "hosts/app-manifest.ts": 1,
    "server/bundle-routes.ts": 1,
    "server/denials.ts": 1,
    "telemetry/metrics.ts": 1,
  },
  "It is only read: what is cut off could not match, and nothing of it is kept.": {
    "console/find-place.ts": 1,
    "consumer/evaluate-url.ts": 2,
    "core/cel-functions.ts": 2,
    "server/jwt-verifier.ts": 1,
  },
  "It is a list.": {
    "cli/output.ts": 1,
    "console/stack-table.tsx": 1,
    "consumer/json-logger.ts": 2,
    "executor-asg/deployer-place.ts": 1,
    "executor-ecs/outputs.ts": 1,
    "sdk/publish-artifact.ts": 2,
  },
};

const NAMES =
  "CHARACTERS|CHARS|TEXT|MESSAGE|REASON|TITLE|DESCRIPTION|LINE|LENGTH|CAUSE|FACT|QUOTED|VALUE|NAME|WORDS|WHY";
const LIMIT = String.raw`\w*_(?:${NAMES})\b[^)]*|[5-9]\d|\d{3,}|\d{1,3}_\d{3}`;
/** A cut to the limit of a text, and one that a mark follows. */
const CUT = new RegExp(
  String.raw`\.(?:slice|substr|substring)\((?:(?:0, |-)(?:${LIMIT})\)|[^()\n]*\)[^"\n]{0,30}…)`,
  "g",
);

const ADVICE = `A text that slice cuts may end in half of a character, for which databases, code hosts and AWS refuse a
whole request, each time it is tried again. Use cutText, cutMiddle, keepStart or keepEnd of @stackyard/core, or name the
file here with the reason. If there are fewer places than named here, correct the number.`;

describe("a text", () => {
  it("is cut by the functions of the core, or there is a reason", () => {
    const files = globSync("{packages,apps}/*/src/**/*.{ts,tsx}", { cwd: repositoryRoot });
    const found = files
      .filter((file) => !/\.test(-d)?\.tsx?$|\/testing\/|\/machine\/cut-text\.ts$/.test(file))
      .map((file) => [toName(file), countCuts(readFileSync(join(repositoryRoot, file), "utf8"))] as const)
      .filter(([, count]) => count > 0);

    expect(Object.fromEntries(found), ADVICE).toEqual(Object.assign({}, ...Object.values(BY_HAND)));
  });

  it.each([
    "reason.slice(0, most - 1)}…",
    "line.slice(0, 160)",
    "text\n    .slice(0, MAX_TEXT)",
    "message.slice(-MAX_STDOUT_CHARS)",
    "title.substring(0, 1_024)",
  ])("is found where it is cut by hand: %s", (source) => {
    expect(countCuts(source)).toBe(1);
  });
});

/** Returns package and name, which stay when the file moves to another folder. */
function toName(file: string): string {
  return `${file.split("/")[1]}/${basename(file)}`;
}

function countCuts(source: string): number {
  return [...source.matchAll(CUT)].length;
}
