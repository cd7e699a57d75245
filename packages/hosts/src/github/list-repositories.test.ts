import type { App } from "@octokit/app";
import type { Octokit } from "@octokit/core";
import { describe, expect, it } from "vitest";
import { listInstalledRepositories } from "./list-repositories.ts";

/** An App with three installations; GitHub answers 403 for some, as behind an IP allow list. */
function createApp(forbidden: readonly number[], status = 403) {
  const refuse = () => Object.assign(new Error("Your IP address is not permitted."), { status });
  const installations = [1, 2, 3].map((id) => ({ id, suspended_at: null, account: { login: `org-${id}` } }));
  const app = {
    octokit: {
      request: async () => ({ data: installations, headers: {} }),
      async auth({ installationId }: { readonly installationId: number }) {
        if (forbidden.includes(installationId)) throw refuse();
        return { token: String(installationId) };
      },
    },
  };
  class Client {
    readonly id: number;
    constructor({ auth }: { readonly auth: string }) {
      this.id = Number(auth);
    }
    async request() {
      const full_name = `org-${this.id}/shop`;
      return { data: { repositories: [{ id: this.id, full_name, html_url: `https://h/${full_name}` }] }, headers: {} };
    }
  }
  return () => listInstalledRepositories(app as unknown as App, Client as unknown as typeof Octokit, () => undefined);
}

describe("the repositories of an App", () => {
  it("are listed without those of an installation that GitHub refuses, which is named [probot#1482]", async () => {
    const { found, refused } = await createApp([2])();

    expect(found.map(({ repository }) => repository.fullName)).toEqual(["org-1/shop", "org-3/shop"]);
    expect(refused).toEqual(["GitHub refuses the installation 2 of org-2: Your IP address is not permitted."]);
  });

  it("are a failure when GitHub refuses all, or does not answer", async () => {
    await expect(createApp([1, 2, 3])()).rejects.toThrow("not permitted");
    await expect(createApp([2], 502)()).rejects.toThrow();
  });
});
