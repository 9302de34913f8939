window.late_library = {
    Late: ({ text }) => window.React.createElement('b', null, `→ ${text} ←`),
};
