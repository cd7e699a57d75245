import type { ReleaseConstants } from "../release-constants.ts";

/** What user data may be told, by the names of the document; `{ ...release, service_name }` fits. */
export interface UserDataFacts {
  readonly release_id?: string;
  readonly project_name?: string;
  readonly config_name?: string;
  readonly service_name?: string;
  readonly bucket?: string;
  readonly aws_account_id?: string;
  readonly aws_region?: string;
}

type Fact = (facts: UserDataFacts) => string | undefined;

const SEED_FACTS = new Map<string, Fact>([
  ["RELEASE_ID", ({ release_id }) => release_id],
  ["PROJECT_NAME", ({ project_name }) => project_name],
  ["CONFIG_NAME", ({ config_name }) => config_name],
  ["SERVICE_NAME", ({ service_name }) => service_name],
]);

const FACTS: ReadonlyMap<ReleaseConstants["generation"], ReadonlyMap<string, Fact>> = new Map([
  ["step-asg-deployer", SEED_FACTS],
  [
    "odin",
    new Map<string, Fact>([
      ...SEED_FACTS,
      ["RELEASE_BUCKET", ({ bucket }) => bucket],
      ["AWS_ACCOUNT_ID", ({ aws_account_id }) => aws_account_id],
      ["AWS_REGION", ({ aws_region }) => aws_region],
      ["SHARED_PROJECT_DIR", ({ aws_account_id, project_name }) => join(aws_account_id, project_name, "_shared")],
      ["RELEASE_DIR", (facts) => join(facts.aws_account_id, facts.project_name, facts.config_name, facts.release_id)],
    ]),
  ],
]);

/**
 * Puts facts in the place of tokens such as `{{RELEASE_ID}}`, in one pass: what was put in is not looked at again. A token that
 * the generation does not know stays; a fact that is not there is the empty text.
 */
export function renderUserData(
  template: string | undefined,
  facts: UserDataFacts,
  generation: ReleaseConstants["generation"] = "odin",
): string {
  const known = FACTS.get(generation);
  return (template ?? "").replaceAll(/\{\{([A-Z_]+)\}\}/g, (token, name: string) => {
    const fact = known?.get(name);
    return fact ? (fact(facts) ?? "") : token;
  });
}

function join(...parts: readonly (string | undefined)[]): string {
  return parts.includes(undefined) ? "" : parts.join("/");
}
