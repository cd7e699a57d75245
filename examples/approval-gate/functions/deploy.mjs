/** Deploys an image. Here it only says so. */
export async function handler({ args }) {
  console.log(`${args.image} is deployed, as approved by ${args.approvers}.`);
  return {};
}
