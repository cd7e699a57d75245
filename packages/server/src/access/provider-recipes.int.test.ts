import { createTestBrowser } from "@stackyard/oidc-issuer";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";
import type { TestYardOptions } from "../testing/test-yard.ts";

type Access = NonNullable<TestYardOptions["access"]>;

/** A row of the table in docs/sign-in.md: the claims as this provider sends them, and what the yard makes of them. */
interface Recipe {
  readonly people: Partial<NonNullable<Access["people"]>>;
  readonly grants: NonNullable<Access["grants"]>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly groups: readonly string[];
}

const operator = (group: string) => [{ to: { group }, role: "operator" as const }];

const RECIPES: Readonly<Record<string, Recipe>> = {
  // Dex's GitHub connector: the groups are org:team with `teamNameField: slug`; `sub` contains the user and the connector.
  "a GitHub organization behind Dex": {
    people: { scopes: ["profile", "email", "groups"], nameClaim: "preferred_username", keepGroups: ["acme:*"] },
    grants: operator("acme:platform"),
    claims: {
      sub: "CgY1ODMyMzESBmdpdGh1Yg",
      name: "The Octocat",
      preferred_username: "octocat",
      email: "octocat@users.noreply.github.com",
      email_verified: true,
      groups: ["acme", "acme:platform", "other-org:admins"],
    },
    name: "octocat",
    groups: ["acme:platform"],
  },
  "Keycloak with realm roles": {
    people: { groupsClaim: ["realm_access", "roles"], keepGroups: ["yard-*"] },
    grants: operator("yard-operators"),
    claims: {
      sub: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
      email: "ada@example.org",
      email_verified: true,
      realm_access: { roles: ["default-roles-acme", "offline_access", "yard-operators"] },
    },
    name: "ada@example.org",
    groups: ["yard-operators"],
  },
  "Keycloak with groups, whose full paths begin with a slash": {
    people: {},
    grants: operator("/team-web"),
    claims: { sub: "f81d4fae", email: "ada@example.org", email_verified: true, groups: ["/team-web"] },
    name: "ada@example.org",
    groups: ["/team-web"],
  },
  // Entra ID sends ids of groups, and no `email_verified`.
  "Microsoft Entra ID": {
    people: { nameClaim: "preferred_username" },
    grants: operator("6f1a2b3c-0000-4444-8888-123456789abc"),
    claims: {
      sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
      preferred_username: "ada@acme.example",
      groups: ["6f1a2b3c-0000-4444-8888-123456789abc"],
    },
    name: "ada@acme.example",
    groups: ["6f1a2b3c-0000-4444-8888-123456789abc"],
  },
  "Microsoft Entra ID with application roles": {
    people: { groupsClaim: ["roles"], nameClaim: "preferred_username" },
    grants: operator("Yard.Operator"),
    claims: { sub: "AAAAikzq", preferred_username: "ada@acme.example", roles: ["Yard.Operator"] },
    name: "ada@acme.example",
    groups: ["Yard.Operator"],
  },
  Okta: {
    people: { keepGroups: ["yard-*"] },
    grants: operator("yard-operators"),
    claims: { sub: "00u1", email: "ada@acme.example", email_verified: true, groups: ["Everyone", "yard-operators"] },
    name: "ada@acme.example",
    groups: ["yard-operators"],
  },
  "Google, which has no groups": {
    people: {},
    grants: [{ to: { signedIn: true }, role: "operator" }],
    claims: { sub: "1102", email: "ada@acme.example", email_verified: true, hd: "acme.example" },
    name: "ada@acme.example",
    groups: [],
  },
  // SAML of IAM Identity Center behind Dex: `${user:groups}` are the ids of groups.
  "IAM Identity Center behind Dex": {
    people: { scopes: ["profile", "email", "groups"] },
    grants: operator("94482488-3041-7098-5cc4-1ea6a5c5d3b1"),
    claims: {
      sub: "CgVhZGExEgRzYW1s",
      email: "ada@acme.example",
      email_verified: true,
      groups: ["94482488-3041-7098-5cc4-1ea6a5c5d3b1"],
    },
    name: "ada@acme.example",
    groups: ["94482488-3041-7098-5cc4-1ea6a5c5d3b1"],
  },
};

let world: LoginWorld;
afterEach(() => world.stop());

describe("people of", () => {
  it.each(Object.entries(RECIPES))("%s sign in with the name and the groups that grants use", async (_what, recipe) => {
    const { people, grants, claims, name, groups } = recipe;
    const issuer = { issuer: "https://replaced.example", clientId: "stackyard" };
    world = await startLoginWorld({ access: { people: { ...issuer, ...people }, grants } });
    world.issuer.person = { sub: String(claims["sub"]) };
    world.issuer.tamper = (token) => ({ ...token, ...claims });
    const browser = createTestBrowser();

    await browser.open(`${world.url}/auth/login`);

    const me = await (await browser.call(`${world.url}/v1/me`)).json();
    expect(me).toMatchObject({ kind: "person", name, groups, rights: [{ role: "operator" }] });
  });

  it("a GitHub organization behind Dex who are in none of the teams are refused with what is missing", async () => {
    world = await startLoginWorld({ access: { grants: operator("acme:platform") } });
    world.issuer.person = { sub: "CgY1", email: "eve@example.org", email_verified: true, groups: ["acme:interns"] };

    const page = await createTestBrowser().open(`${world.url}/auth/login`);

    expect([page.status, page.text]).toEqual([403, expect.stringContaining("acme:interns")]);
  });
});
