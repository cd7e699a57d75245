import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { RELEASES_DEPLOYMENTS } from "../testing/a-releases-app.ts";
import { DEPLOYMENTS } from "../testing/a-yard.ts";
import { APP_DEPLOYMENTS } from "../testing/an-app.ts";
import { ARTIFACTS_DEPLOYMENTS } from "../testing/an-artifacts-app.ts";
import { listBodies } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";

interface Diagnostic {
  readonly severity: string;
  readonly ruleId: string;
  readonly message: string;
  readonly propertyPath?: string;
  readonly entity?: unknown;
}

interface Validator {
  readonly CompositeEngine: new () => {
    validateTemplate(template: unknown, config: object): { readonly diagnostics: readonly Diagnostic[] };
  };
  readonly TemplateContent: new (content: string) => unknown;
}

// The validator of AWS comes with the CDK, which runs it at each synthesis; it knows patterns and rules beyond the schemas.
const VALIDATOR = "@aws/cloudformation-validate";
const requireOfCdk = createRequire(createRequire(import.meta.url).resolve("aws-cdk-lib"));
const { CompositeEngine, TemplateContent }: Validator = requireOfCdk(VALIDATOR);
const engine = new CompositeEngine();
const bodies = listBodies({ inline: true });

/** The validator takes no notice of which conditions exclude each other, so it is given what they come to. */
function toDeployed(name: string, parameters: Readonly<Record<string, string>>): string {
  const { resources } = resolveTemplate(JSON.parse(bodies.get(name) ?? "{}"), parameters);
  const entries = Object.entries(resources).map(([id, { type, properties }]) => {
    return [id, { Type: type, Properties: properties }] as const;
  });
  return JSON.stringify({ Resources: Object.fromEntries(entries) });
}

describe("the validator of AWS", () => {
  it.each([...DEPLOYMENTS, ...APP_DEPLOYMENTS, ...RELEASES_DEPLOYMENTS, ...ARTIFACTS_DEPLOYMENTS])(
    "finds no error in %s, deployed %s",
    (name, _how, parameters) => {
      const template = new TemplateContent(toDeployed(name, parameters));

      const { diagnostics } = engine.validateTemplate(template, { severityLevel: "ERROR" });

      expect(diagnostics.map(tell)).toEqual([]);
    },
  );

  it("would find one", () => {
    const body = { Resources: { Queue: { Type: "AWS::SQS::Queue", Properties: { VisibilityTimeout: 43_201 } } } };

    const { diagnostics } = engine.validateTemplate(new TemplateContent(JSON.stringify(body)), {
      severityLevel: "ERROR",
    });

    expect(diagnostics.map(tell)).toEqual([expect.stringContaining("VisibilityTimeout")]);
  });
});

function tell({ severity, ruleId, message, propertyPath, entity }: Diagnostic): string {
  return `${severity} ${ruleId} ${JSON.stringify(entity)} ${propertyPath}: ${message}`;
}
