import fc from "fast-check";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { TerraformConfig, terraformDefinition, toStateAddress, toStateKey } from "./definition.ts";

const config = Compile(TerraformConfig);
const subject = { stackId: "pr-12", machine: "review-app" };

const git = { type: "git", host: "github", repository: "acme/shop", commit: "0".repeat(40), trusted: true };

describe("the config of a task", () => {
  it.each([
    { action: "apply" },
    { action: "destroy", source: { type: "s3", bucket: "b", key: "k/" } },
    { action: "apply", source: { ...git, path: "infra//app" } },
    { action: "apply", source: { ...git, repository: "group/.sub/shop", trusted: false } },
    { action: "apply", source: { type: "local", location: "./a" }, variables: { a: 1, b: null, c: ["d"] } },
    { action: "apply", source: { bucket: "b" } },
    { action: "apply", source: {} },
  ])("takes %j", (value) => {
    expect(config.Check(value)).toBe(true);
  });

  it.each([
    {},
    { action: "refresh" },
    { action: "apply", plan: "latest" },
    { action: "drift", ignore: ["aws_instance.web"] },
    { action: "apply", more: 1 },
    { action: "apply", source: null },
    { action: "apply", source: { type: "git" } },
    { action: "apply", source: { ...git, trusted: "false" } },
    { action: "apply", source: { ...git, commit: "main" } },
    { action: "apply", source: { ...git, repository: "acme/.." } },
    { action: "apply", source: { ...git, repository: "../acme" } },
    { action: "apply", source: { ...git, path: "infra/../.." } },
    { action: "apply", source: { ...git, path: "/etc" } },
    { action: "plan", source: git, policies: { source: git } },
    { action: "apply", source: { type: "s3", bucket: "b" } },
    { action: "apply", source: { type: "s3", bucket: "b", key: "" } },
    { action: "apply", source: { type: "local", location: "a", key: "k" } },
    { action: "apply", variables: ["a"] },
  ])("rejects %j", (value) => {
    expect(config.Check(value)).toBe(false);
  });
});

describe("the exclusive key", () => {
  it("is the state key, whatever the action and the bucket", () => {
    const { exclusiveKey } = terraformDefinition;
    const apply = { action: "apply", source: { type: "s3", bucket: "a", key: "ecs" } } as const;
    const destroy = { action: "destroy", source: { type: "s3", bucket: "b", key: "ecs" } } as const;

    expect([exclusiveKey(subject, apply), exclusiveKey(subject, destroy)]).toEqual([
      "review-app/pr-12/ecs",
      "review-app/pr-12/ecs",
    ]);
    expect(exclusiveKey(subject, { action: "apply" })).toBeUndefined();
  });
});

const owner = { machine: "review-app", stackId: "pr-12" };

describe("exclusiveKey", () => {
  it("is the state's key, or for a shared state its name", () => {
    const source = { type: "local", location: "network" } as const;
    const keyOf = (config: object) => terraformDefinition.exclusiveKey(owner, { action: "apply", source, ...config });

    expect(keyOf({})).toBe("review-app/pr-12/local/network");
    expect(keyOf({ sharedState: "network" })).toBe("terraform-shared/network");
  });
});

describe("toStateKey", () => {
  it.each([
    [{ type: "s3", key: "terraform/ecs" }, "review-app/pr-12/terraform/ecs"],
    [{ type: "s3", key: "terraform/ecs/" }, "review-app/pr-12/terraform/ecs/"],
    [{ type: "s3", key: "/a/b c" }, "review-app/pr-12//a/b c"],
    // What is copied next to the module does not change its state [terraform#22891].
    [{ type: "s3", key: "a//b" }, "review-app/pr-12/a/b"],
    [{ type: "local", location: "./network" }, "review-app/pr-12/local/network"],
    [{ type: "local", location: "infra//network" }, "review-app/pr-12/local/infra/network"],
    [{ type: "local", location: "infra/network//" }, "review-app/pr-12/local/infra/network"],
    [{ type: "local", location: "./infra/./network/" }, "review-app/pr-12/local/infra/network"],
    [{ type: "local", location: "." }, "review-app/pr-12/local/"],
    [{ type: "git", host: "github", repository: "acme/shop" }, "review-app/pr-12/git:github/acme/shop:"],
    [
      { type: "git", host: "github", repository: "acme/shop", path: "infra//app" },
      "review-app/pr-12/git:github/acme/shop:infra/app",
    ],
  ] as const)("of %j is %s", (source, key) => {
    expect(toStateKey(owner, { source })).toBe(key);
  });

  it("is that of its name where the task has one, whatever its source", () => {
    const source = { type: "local", location: "terraform/service" } as const;

    expect(toStateKey(owner, { state: "api", source })).toBe("review-app/pr-12/state:api");
    expect(toStateKey(owner, { source: { type: "s3", key: "state:api" } })).toBe("review-app/pr-12/state%3Aapi");
  });

  it("is unknown without a source that names files", () => {
    expect([toStateKey(owner, {}), toStateKey(owner, { source: { key: "a" } })]).toEqual([undefined, undefined]);
  });

  it("keeps the stack id and the source's key apart", () => {
    const source = (key: string) => ({ type: "s3", key }) as const;

    expect(toStateKey({ machine: "app", stackId: "team" }, { source: source("prod/network") })).toBe(
      "app/team/prod/network",
    );
    expect(toStateKey({ machine: "app", stackId: "team/prod" }, { source: source("network") })).toBe(
      "app/team%2Fprod/network",
    );
  });

  it("keeps the keys of S3 and local sources apart", () => {
    expect(toStateKey(owner, { source: { type: "s3", key: "local/network" } })).toBe(
      "review-app/pr-12/local%2Fnetwork",
    );
    expect(toStateKey(owner, { source: { type: "local", location: "network" } })).toBe(
      "review-app/pr-12/local/network",
    );
  });

  it("keeps a plain stack's S3 key byte for byte", () => {
    const key = fc.string().filter((text) => !/^(local[/%]|(git|state)[:%])|\/\//.test(text));

    fc.assert(
      fc.property(key, (text) => {
        expect(toStateKey(owner, { source: { type: "s3", key: text } })).toBe(`review-app/pr-12/${text}`);
      }),
    );
  });

  it("differs for any two sources of any two stacks", () => {
    const text = fc.constantFrom("a", "a/a", "a/a/a", "a%2Fa", "%");
    const part = fc.oneof(
      text,
      fc.constantFrom("local/a", "local%2Fa", "local%252Fa", "git:h/a/b:a", "git%3Ah/a/b:a", "state:a"),
    );
    const source = fc.oneof(
      part.map((key) => ({ type: "s3", key }) as const),
      part.map((location) => ({ type: "local", location }) as const),
      part.map((path) => ({ type: "git", host: "h", repository: "a/b", path }) as const),
    );
    const state = fc.option(fc.constantFrom("a", "b"), { nil: undefined });
    const task = fc.record({ machine: text, stackId: text, source, state });

    fc.assert(
      fc.property(task, task, (one, other) => {
        // With a name, the source does not count.
        const identify = ({ source, ...rest }: typeof one) => JSON.stringify(rest.state ? rest : { ...rest, source });
        fc.pre(identify(one) !== identify(other));
        expect(toStateKey(one, one)).not.toBe(toStateKey(other, other));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("toStateAddress", () => {
  it("escapes each part of the key", () => {
    expect(toStateAddress("https://yard/state/", "m/a?b/local/ä #1/")).toBe(
      "https://yard/state/m/a%3Fb/local/%C3%A4%20%231/",
    );
  });

  it.each(["m/s/local/./network", "m/s/../../other"])("keeps the dots of %s", (key) => {
    const { pathname } = new URL(toStateAddress("https://yard/state", key));

    expect(decodeURIComponent(pathname)).toBe(`/state/${key}`);
  });

  it("gives the key back byte for byte, and never another place", () => {
    const part = fc.oneof(fc.constantFrom(".", "..", ""), fc.string({ unit: "grapheme" }));

    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        const key = `m/s/${parts.join("/")}`;
        const url = new URL(toStateAddress("https://yard/state", key));
        expect([url.host, url.search, url.hash]).toEqual(["yard", "", ""]);
        expect(decodeURIComponent(url.pathname.slice("/state/".length))).toBe(key);
      }),
    );
  });
});
