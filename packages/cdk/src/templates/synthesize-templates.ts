import { App } from "aws-cdk-lib";
import { addConsumerTemplate, addConsumerZipTemplate, type InlineConsumer } from "./consumer-template.ts";
import { addConsumersRolloutTemplate } from "./consumers-rollout-template.ts";
import { addDistributorTemplate } from "./distributor-template.ts";
import { addEcsTaskTemplate } from "./ecs-task-template.ts";
import { addFleetInstancesTemplate } from "./fleet-instances-template.ts";
import { addFleetTemplate } from "./fleet-template.ts";
import { printTemplate } from "./print-template.ts";
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

/** What templates are made from besides the sources of this package. */
export interface TemplateSources {
  /** The built consumer, which stands in its template itself. Default: that template is left out. */
  readonly consumer?: InlineConsumer;
}

const TEMPLATES = [
  ...[addYardTemplate, addStateManagerTemplate, addTaskRunnerTemplate],
  ...[addEcsTaskTemplate, addFleetTemplate, addFleetInstancesTemplate],
  ...[addReleasesTemplate, addReleasesAccountTemplate],
  ...[addDistributorTemplate, addConsumerZipTemplate, addConsumersRolloutTemplate],
];

/** Synthesises the plain templates from the constructs. The same sources give the same bytes. */
export function synthesizeTemplates({ consumer }: TemplateSources = {}): readonly Template[] {
  // The built-in validator treats the empty defaults of parameters as values; tests validate with real ones.
  const app = new App({ analyticsReporting: false, treeMetadata: false, builtinCloudFormationValidation: false });
  const stacks = TEMPLATES.map((add) => add(app));
  if (consumer !== undefined) stacks.push(addConsumerTemplate(app, consumer));
  const names = stacks.map(({ stackName }) => stackName);
  const assembly = app.synth();
  return names.map((name) => {
    const { template }: { readonly template: unknown } = assembly.getStackByName(name);
    return { name, body: `${printTemplate(toPlainTemplate(template))}\n` };
  });
}
