import { type App, type CfnElement, type IStackSynthesizer, LegacyStackSynthesizer, Stack } from "aws-cdk-lib";

/** Parts of the construct tree whose names mean nothing to a reader of the template. */
const UNNAMED = new Set([
  ...["Yard", "App", "Queues", "Functions", "Resource"],
  ...["Adoption", "Copying", "Asking", "Memory", "Announcing", "Receiving", "InitialSets"],
]);

/**
 * A stack whose template stands alone: no parameters of the CDK's bootstrap, no assets, no hashes in the names of
 * resources. So a release can change how constructs are nested without replacing what people have deployed only as long
 * as these names stay: a test holds them.
 */
export class TemplateStack extends Stack {
  constructor(app: App, name: string, description: string) {
    // The interface does not allow undefined where the class may return it; both are from one library.
    const synthesizer = new LegacyStackSynthesizer() as IStackSynthesizer;
    super(app, name, { synthesizer, analyticsReporting: false, description });
  }

  protected override allocateLogicalId(element: CfnElement): string {
    const [, ...path] = element.node.path.split("/");
    return path.filter((part) => !UNNAMED.has(part)).join("");
  }
}
