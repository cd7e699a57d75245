import { App } from "aws-cdk-lib";
import { addEcsTaskTemplate } from "./ecs-task-template.ts";
import { addFleetInstancesTemplate } from "./fleet-instances-template.ts";
import { addFleetTemplate } from "./fleet-template.ts";
import { addReleasesAccountTemplate } from "./releases-account-template.ts";
import { addReleasesTemplate } from "./releases-template.ts";
import { addStateManagerTemplate } from "./state-manager-template.ts";
import { addTaskRunnerTemplate } from "./task-runner-template.ts";
import { toPlainTemplate } from "./to-plain-template.ts";
import { addYardTemplate } from "./yard-template.ts";

/** A template that stands alone. */
export interface Template {
  /** `yard`, or the app that it installs. Its file is `<name>.template.json`. */
  readonly name: string;
  /** JSON. */
  readonly body: string;
}

const TEMPLATES = [
  ...[addYardTemplate, addStateManagerTemplate, addTaskRunnerTemplate],
  ...[addEcsTaskTemplate, addFleetTemplate, addFleetInstancesTemplate],
  ...[addReleasesTemplate, addReleasesAccountTemplate],
];

/** Synthesises the plain templates from the constructs. The same sources give the same bytes. */
export function synthesizeTemplates(): readonly Template[] {
  // The validator that is built in takes the empty defaults of parameters for values; tests ask it with real ones.
  const app = new App({ analyticsReporting: false, treeMetadata: false, builtinCloudFormationValidation: false });
  const names = TEMPLATES.map((add) => add(app).stackName);
  const assembly = app.synth();
  return names.map((name) => {
    const { template }: { readonly template: unknown } = assembly.getStackByName(name);
    return { name, body: `${JSON.stringify(toPlainTemplate(template), null, 1)}\n` };
  });
}
