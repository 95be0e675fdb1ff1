(function_declaration name: (_) @name) @symbol.function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @parent
    (generic_type type: (_) @parent)
    (pointer_type (type_identifier) @parent)
    (pointer_type (generic_type type: (_) @parent))]))
  name: (_) @name) @symbol.method
(type_spec name: (_) @name type: (struct_type)) @symbol.struct
(type_spec name: (_) @name type: (interface_type)) @symbol.interface
(type_spec name: (_) @name) @symbol.type
(type_alias name: (_) @name) @symbol.type
(const_spec (identifier) @name) @symbol.constant
(var_spec (identifier) @name) @symbol.variable
(field_declaration (field_identifier) @name) @symbol.field
(method_elem name: (_) @name) @symbol.method
(func_literal) @scope
(short_var_declaration left: (_) @bind.variable)
(range_clause left: (_) @bind.variable)
(parameter_declaration name: (_) @bind.parameter)
(variadic_parameter_declaration name: (_) @bind.parameter)
(type_parameter_declaration name: (_) @bind.parameter)
(import_spec name: (_) @bind.alias)
