import { expect, it } from "vitest";
import { formatVersions } from "./deploys-versions.ts";

const api = { key: "api", from: "1.41.0", to: "1.42.0", tasks: ["production", "tenants"], stacks: 3 };
const commits = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `c${index}`, subject: "Carts" }));
const compareUrl = "https://git.example.org/acme/shop/compare/v1.41.0...v1.42.0";

it("names the versions, where they go, the number of their commits, and where they are compared", () => {
  const versions = [
    { ...api, commits: commits(14), isCut: false, dropped: 0, compareUrl },
    { ...api, from: "1.43.0", tasks: ["staging"], stacks: 1, commits: [], isCut: false, dropped: 1 },
    { ...api, commits: commits(100), isCut: true, dropped: 2 },
  ];

  expect(formatVersions({ versions, more: 2 })).toEqual([
    "",
    "api 1.41.0 to 1.42.0: production, tenants (3 stacks), 14 commits",
    `  Compare: ${compareUrl}`,
    "api 1.43.0 to 1.42.0: staging (1 stack), 1 commit removed",
    "api 1.41.0 to 1.42.0: production, tenants (3 stacks), 100+ commits, 2 commits removed",
    "Further versions: 2.",
  ]);
});

it("claims no commits where they are not known, and says why (octopus#6784)", () => {
  const { from: _, ...created } = api;

  expect(formatVersions({ versions: [{ ...api, unknown: "No host.\u001b[2J" }, created], more: 0 })).toEqual([
    "",
    "api 1.41.0 to 1.42.0: production, tenants (3 stacks)",
    expect.not.stringContaining("\u001b"),
    "api none to 1.42.0: production, tenants (3 stacks)",
  ]);
  expect(formatVersions({ versions: [], more: 0 })).toEqual([]);
});
