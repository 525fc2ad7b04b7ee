/** The object with some methods of its own: an adapter that fails where a test wants it to, and is the real one everywhere else. */
export function overriding<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(real, name) {
      if (name in own) return Reflect.get(own, name);
      const member: unknown = Reflect.get(real, name);
      return typeof member === 'function' ? member.bind(real) : member;
    },
  });
}
