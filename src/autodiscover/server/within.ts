// A bounded wait for what another process answers.

/** What something that never rejects has come to within so many milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | 'late'> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), ms);
  const told = await Promise.race([work, late]);
  clearTimeout(timer);
  return told;
}
