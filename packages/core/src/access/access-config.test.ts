import { describe, expect, it } from "vitest";
import {
  findGrants,
  findTokenRights,
  type GrantReceiver,
  parseAccessConfig,
  toGroups,
  toRights,
  withOwnTokens,
} from "./access-config.ts";
import { decideAccess, OLD_RIGHTS } from "./decide-access.ts";
import { OLD_EXTRA_PERMISSIONS } from "./permissions.ts";

const github = { name: "github", issuer: "https://token.actions.githubusercontent.com" };
const serverUrl = "https://yard.test";
const faultsOf = (value: unknown, options = { serverUrl }) => {
  try {
    parseAccessConfig(value, options);
    return [];
  } catch (error) {
    return (error as { details: { faults: readonly string[] } }).details.faults;
  }
};
const grantTo = (to: unknown, more: object = {}) => ({
  workloads: [github],
  grants: [{ to, role: "viewer", ...more }],
});

describe("parseAccessConfig", () => {
  it("accepts a whole configuration", () => {
    const config = {
      people: { issuer: "https://id.test", clientId: "stackyard", groupsClaim: ["groups"], keepGroups: ["team-*"] },
      workloads: [github],
      grants: [
        { to: { group: "team-web" }, role: "operator", machines: ["review-app"], stacks: ["web-"] },
        {
          to: { workload: "github", claims: { repository_id: "4", ref: "refs/heads/*" } },
          role: "operator",
          groups: ["ci"],
        },
        { to: { token: "grafana" }, role: "viewer" },
        { to: { subject: "00u1" }, role: "admin", also: ["states:read"] },
        { to: { signedIn: true }, role: "viewer" },
      ],
    };

    expect(parseAccessConfig(config, { serverUrl })).toBe(config);
  });

  it.each([
    ["an unknown role", { grants: [{ to: { group: "a" }, role: "owner" }] }, "access.grants.0.role"],
    ["an unknown key", { grant: [] }, "access.grant is not a known key. Did you mean access.grants?"],
    ["an empty scope", { grants: [{ to: { group: "a" }, role: "viewer", stacks: [] }] }, "access.grants.0.stacks"],
    ["a grant without a receiver", grantTo({}), "access.grants.0.to must have exactly one of group, subject, token"],
    ["a grant to two", grantTo({ group: "a", token: "b" }), "exactly one of"],
    ["an unknown workload", grantTo({ workload: "gitlab", claims: { a: "b" } }), '"gitlab" is unknown'],
    ["GitHub without a repository", grantTo({ workload: "github" }), "repository_id or repository_owner_id"],
    ["any repository of GitHub", grantTo({ workload: "github", claims: { repository_id: "*" } }), 'without "*"'],
    [
      "one of the list being any",
      grantTo({ workload: "github", claims: { repository_id: ["4", "5*"] } }),
      'without "*"',
    ],
    ["a subject of GitHub only", grantTo({ workload: "github", claims: { sub: "repo:a/b:*" } }), "repository_id"],
    ["a star in the middle", grantTo({ workload: "github", claims: { repository_id: "4", ref: "a*b" } }), "at its end"],
    ["claims of a group", grantTo({ group: "a", claims: { b: "c" } }), "claims goes with a workload"],
    ["groups of people", grantTo({ group: "a" }, { groups: ["b"] }), "groups goes with a workload or a token"],
    ["two workloads of a name", { workloads: [github, github] }, 'duplicate name "github"'],
    ["an issuer without https", { workloads: [{ name: "a", issuer: "http://id.test" }] }, "must be an https: address"],
  ])("rejects %s", (_, value, message) => {
    expect(faultsOf(value).join("\n")).toContain(message);
  });

  it("rejects gitlab.com without a project", () => {
    const value = {
      workloads: [{ name: "gitlab", issuer: "https://gitlab.com" }],
      grants: [{ to: { workload: "gitlab", claims: { ref: "main" } }, role: "operator" }],
    };
    expect(faultsOf(value).join()).toContain("project_id or namespace_id");
  });

  it.each([
    [{}, "server.url is missing"],
    [{ serverUrl: "http://yard.test" }, "must be an https: address"],
  ])("needs an address for logins: %j", (options, message) => {
    expect(faultsOf({ people: { issuer: "https://id.test", clientId: "a" } }, options as never).join()).toContain(
      message,
    );
  });

  it("takes logins on the loopback without TLS", () => {
    const people = { issuer: "http://127.0.0.1:9000", clientId: "a" };
    expect(faultsOf({ people }, { serverUrl: "http://localhost:7070" })).toEqual([]);
  });
});

describe("findGrants", () => {
  const { grants = [] } = parseAccessConfig(
    {
      workloads: [github],
      grants: [
        { to: { group: "web" }, role: "operator", stacks: ["web-"] },
        { to: { subject: "00u1" }, role: "admin" },
        { to: { signedIn: true }, role: "viewer" },
        { to: { token: "grafana" }, role: "viewer", groups: ["b", "a"] },
        { to: { workload: "github", claims: { repository_id: ["4", "5"], ref: "refs/heads/*" } }, role: "operator" },
      ],
    },
    { serverUrl },
  );
  const find = (receiver: GrantReceiver) => findGrants(grants, receiver).map((grant) => grants.indexOf(grant));
  const claims = { repository_id: "5", ref: "refs/heads/main" };

  it.each<[string, GrantReceiver, readonly number[]]>([
    ["people by group", { kind: "person", groups: ["web"] }, [0, 2]],
    ["people by subject", { kind: "person", subject: "00u1", groups: [] }, [1, 2]],
    ["tokens by name only", { kind: "token", name: "grafana" }, [3]],
    ["no token by a group's name", { kind: "token", name: "web" }, []],
    ["workloads by claims", { kind: "workload", name: "github", claims }, [4]],
    ["workloads by numbers too", { kind: "workload", name: "github", claims: { ...claims, repository_id: 4 } }, [4]],
    ["no workload without a claim", { kind: "workload", name: "github", claims: { ref: claims.ref } }, []],
    ["no workload by a list", { kind: "workload", name: "github", claims: { ...claims, repository_id: ["5"] } }, []],
    ["no workload of another ref", { kind: "workload", name: "github", claims: { ...claims, ref: "refs/tags/1" } }, []],
    ["no workload of another name", { kind: "workload", name: "gitlab", claims }, []],
  ])("finds %s", (_, receiver, indexes) => {
    expect(find(receiver)).toEqual(indexes);
  });

  it("gives the union of what fits", () => {
    const rights = toRights(findGrants(grants, { kind: "person", groups: ["web"] }), grants);

    expect(decideAccess(rights, "operate", { kind: "stack", stackId: "web-1" })).toBe("allowed");
    expect(decideAccess(rights, "operate", { kind: "stack", stackId: "api-1" })).toBe("forbidden");
    expect(toGroups(findGrants(grants, { kind: "token", name: "grafana" }))).toEqual(["a", "b"]);
  });
});

describe("findTokenRights", () => {
  const token = { to: { token: "ci" }, role: "viewer" as const };

  // A token whose name is mistyped, or whose grant was lost in an edit, was an administrator.
  it("gives a configured token everything until a grant says who may do what, and then what its own grants say", () => {
    const ofMachine = { to: { machine: "shop-release" }, role: "operator" as const };

    expect(findTokenRights("ops", [])).toBe(OLD_RIGHTS);
    expect(findTokenRights("ops", [ofMachine])).toBe(OLD_RIGHTS);
    expect(findTokenRights("ops", [token])).toEqual([]);
    expect(findTokenRights("ci", [token])).toEqual(toRights([token], [token]));
  });

  it("keeps the tokens of who started the yard what they were, where no grant names them", () => {
    const { grants = [] } = withOwnTokens({ grants: [token] }, ["operator", "ci"]);

    expect(findTokenRights("operator", grants)).toEqual(
      toRights([{ role: "admin", also: [...OLD_EXTRA_PERMISSIONS] }], grants),
    );
    expect(findTokenRights("ci", grants)).toEqual(toRights([token], grants));
  });
});
