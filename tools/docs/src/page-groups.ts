/**
 * For whom a group of pages is: `use` has what a team reads to use Stackyard, `more` what it looks up, `aws` the products for AWS, and `contribute`
 * what only those read who change Stackyard. The search of the site leaves `contribute` out.
 */
export type PageTier = "use" | "more" | "aws" | "contribute";

/** A group of the sidebar. */
export interface PageGroup {
  readonly title: string;
  readonly tier: PageTier;
  /** Paths of the site without `.md`, in order, each with the most words that the page may have, or `generated`. */
  readonly pages: Readonly<Record<string, number | "generated">>;
}

/** All pages of the root and of `docs/`, as the sidebar lists them. */
export const PAGE_GROUPS: readonly PageGroup[] = [
  {
    title: "Use it",
    tier: "use",
    pages: {
      "docs/getting-started": 1_500,
      "docs/concepts": 1_050,
      "docs/machines": 2_100,
      "docs/plans-and-policies": 1_400,
      "docs/previews": 1_650,
      "docs/promotion": 1_300,
      "docs/console": 1_700,
      "docs/events": 950,
      "docs/plugins": 1_000,
      "docs/deployment": 1_700,
      "docs/operations": 2_100,
      "docs/troubleshooting": 2_000,
    },
  },
  {
    title: "Begin and choose",
    tier: "more",
    pages: {
      "docs/README": 700,
      "docs/installation": 850,
      "docs/templates": 450,
      "docs/comparison": 1_800,
      "docs/adopting": 1_150,
      "docs/leaving": 1_000,
      "docs/support": 1_000,
      "docs/glossary": 1_150,
    },
  },
  {
    title: "Machines, Terraform, code hosts",
    tier: "more",
    pages: {
      "docs/machine-reference": 3_900,
      "docs/event-reference": 1_750,
      "docs/tasks": 1_350,
      "docs/commands": 1_000,
      "docs/terraform-reference": 1_150,
      "docs/state-backend": 1_050,
      "docs/leak-checks": 950,
      "docs/code-hosts": 4_200,
      "docs/mapping": 1_000,
      "docs/github-action": 700,
      "docs/notifications": 1_200,
      "docs/promotion-recipes": 1_850,
    },
  },
  {
    title: "A yard for a team",
    tier: "more",
    pages: {
      "docs/containers": 550,
      "docs/sign-in": 2_300,
      "docs/access": 1_950,
      "docs/audit": 700,
      "docs/plugin-reference": 2_500,
      "docs/configuration": 750,
      "docs/yard-reference": 3_050,
      "docs/assistant": 1_100,
    },
  },
  {
    title: "Reference",
    tier: "more",
    pages: {
      "docs/cli": "generated",
      "docs/http-api": "generated",
      "docs/errors": "generated",
      "docs/problems": "generated",
    },
  },
  {
    title: "Products for AWS",
    tier: "aws",
    pages: {
      "docs/aws-products": 350,
      "docs/aws-organization": 1_050,
      "docs/aws": 5_850,
      "docs/fleet": 1_450,
      "docs/ecs": 1_700,
      "docs/releases": 2_650,
      "docs/artifacts": 2_950,
    },
  },
  { title: "Predecessors", tier: "more", pages: { "docs/machines-v1": 1_100 } },
  { title: "About", tier: "more", pages: { SECURITY: 1_300, CHANGELOG: "generated" } },
  {
    title: "Contribute",
    tier: "contribute",
    pages: {
      CONTRIBUTING: 500,
      ARCHITECTURE: 3_300,
      "ARCHITECTURE-AWS": 1_100,
      "docs/development": 1_515,
      "docs/testing": 1_800,
      "docs/performance": 750,
    },
  },
];

/** What a page counts in the search of the site, by its tier. */
const TIER_WEIGHTS: Readonly<Record<PageTier, number>> = { use: 2, more: 1, aws: 0.8, contribute: 0 };

/** Pages that explain a code come before those that only mention it; the long lists of commands and routes come last. */
const PAGE_WEIGHTS: Readonly<Record<string, number>> = {
  "docs/errors": 4,
  "docs/problems": 1,
  "docs/troubleshooting": 3,
  "docs/cli": 0.5,
  "docs/http-api": 0.5,
};

/** Returns what each page counts in the search of the site, by its path. */
export function toSearchWeights(groups: readonly PageGroup[]): Readonly<Record<string, number>> {
  const weights = groups.flatMap(({ tier, pages }) =>
    Object.keys(pages).map((path) => [path, PAGE_WEIGHTS[path] ?? TIER_WEIGHTS[tier]] as const),
  );
  return Object.fromEntries(weights);
}
