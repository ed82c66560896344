// Nothing but a way to the origin: what the runtime takes for itself.

export default {
  fetch(request, env) {
    const target = request.url.slice(request.url.indexOf("/", 8));
    return fetch(new Request(env.ORIGIN + target, request));
  },
};
