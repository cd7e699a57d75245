import { describe, expect, it } from "vitest";
import { findJobFacts } from "./job-facts.ts";

describe("findJobFacts", () => {
  it("takes places, version and link from plain values only", () => {
    const config = {
      cluster: "prod",
      service: { name: "x" },
      version: "2.1.0",
      pull: "https://git.example.org/acme/pull/7",
    };

    expect(findJobFacts({ config, target: { region: "eu-west-1" } })).toEqual({
      where: "eu-west-1, prod",
      version: { key: "version", short: "2.1.0", full: "2.1.0" },
      links: [{ name: "pull", href: "https://git.example.org/acme/pull/7" }],
    });
  });

  it("takes the commit of a release, and links from its document and from what the caller has added", () => {
    const config = {
      op: "deploy",
      release: { release_id: "rel-42", release: "rel-42" },
      metadata: { commitUrl: "https://git.example.org/acme/commit/4f1c9d2" },
      revision: "4f1c9d2aa0014f1c9d2aa001",
    };

    expect(findJobFacts({ config })).toEqual({
      where: "",
      version: { key: "commit", short: "4f1c9d2", full: "4f1c9d2aa0014f1c9d2aa001" },
      links: [{ name: "commitUrl", href: "https://git.example.org/acme/commit/4f1c9d2" }],
    });
  });

  it("shows three links at most", () => {
    const config = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, `https://${name}.example.org/`]));

    expect(findJobFacts({ config }).links.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  it("names the account of the target", () => {
    const job = { config: { cluster: "prod" }, target: { account: "111122223333", region: "eu-west-1" } };

    expect(findJobFacts(job, (account) => `shop (${account})`).where).toBe("shop (111122223333), eu-west-1, prod");
  });

  it("finds nothing where the config names nothing", () => {
    expect(findJobFacts({ config: { command: "true" } })).toEqual({ where: "", version: undefined, links: [] });
  });
});
