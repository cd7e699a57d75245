/** Stands for work of yours. Written like any function of AWS Lambda. */
export async function handler({ stackId }) {
  console.log(`hello ${stackId}`);
  return {};
}
